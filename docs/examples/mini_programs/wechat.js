import { Session } from './session.js';

export const session = new Session('https://shop.example', 'wechat', {
  getCode: () => new Promise((resolve, reject) => {
    wx.login({ success: ({ code }) => resolve(code), fail: reject });
  }),
  send: ({ method, url, headers, body }) => new Promise((resolve, reject) => {
    wx.request({
      method,
      url,
      header: headers,
      data: body,
      success: ({ statusCode, data }) => resolve({ status: statusCode, data }),
      fail: reject,
    });
  }),
  read: () => wx.getStorageSync('tokens') || null,
  write: (tokens) => (tokens ? wx.setStorageSync('tokens', tokens) : wx.removeStorageSync('tokens')),
});
