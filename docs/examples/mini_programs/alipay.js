import { Session } from './session.js';

export const session = new Session('https://shop.example', 'alipay', {
  getCode: () => new Promise((resolve, reject) => {
    my.getAuthCode({ scopes: ['auth_base'], success: ({ authCode }) => resolve(authCode), fail: reject });
  }),
  send: ({ method, url, headers, body }) => new Promise((resolve, reject) => {
    my.request({
      method,
      url,
      headers,
      data: body && JSON.stringify(body),
      dataType: 'json',
      success: ({ status, data }) => resolve({ status, data }),
      // a status of 400 or more comes here, with the answer
      fail: (error) => (error.status ? resolve({ status: error.status, data: error.data }) : reject(error)),
    });
  }),
  read: () => my.getStorageSync({ key: 'tokens' }).data || null,
  write: (data) => (data ? my.setStorageSync({ key: 'tokens', data }) : my.removeStorageSync({ key: 'tokens' })),
});
